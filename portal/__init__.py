"""What people see: pages and HTTP API for administrators, tutors, safeguarding leads, leadership.

A process of its own (`lychgate portal`), which shares no lock with the resolver: both know the
store. Every change of policy goes through `policy.commands`; what is known to other rooms (why a
name is blocked, how lists stand) is handed in through `portal.services.Services`. Never imports
`resolver` or `lychgate`.
"""
