"""What the pages and the API of deciding share: names as pasted, scopes to choose, searching rules
and the audit log, differences in words.

No page is here, and nothing is changed: decisions are commands.
"""
