"""The page that learners meet in the place of a blocked site, and what they can do from there.

A server of its own beside the portal: it is asked by everybody, for every name, without sign-in,
and shares neither cookies nor pages with it. What it says comes from `services.explain`; what it
does are the two public commands, `TakePass` and `AskForReview`.
"""
