-- Accounts of the databases at a centre; run once by PostgreSQL's administrator, after `lychgate store
-- create` and the first start of the recorder at the centre made the tables:
--
--   psql -v password="'...'" -d lychgate  -f venue-accounts.sql
--   psql -v password="'...'" -d telemetry -f venue-accounts.sql
--
-- A venue reads the policy and nothing else of the store: no password, no session, no audit log. Of
-- telemetry it writes what happened. "centre" is the account that owns both databases.

SELECT 'CREATE ROLE venue LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'venue') \gexec
ALTER ROLE venue PASSWORD :password;
SELECT format('GRANT CONNECT ON DATABASE %I TO venue', current_database()) \gexec
GRANT USAGE ON SCHEMA public TO venue;

SELECT EXISTS (SELECT FROM pg_tables WHERE tablename = 'lychgate_version') AS is_store \gset
\if :is_store
GRANT SELECT ON lychgate_version, facts, revisions, organisation, profiles, venues, rooms, devices,
    bundles, essentials, pages, terms, roles, people, rules, exceptions, passes TO venue;
\else
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO venue;
ALTER DEFAULT PRIVILEGES FOR ROLE centre IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO venue;
\endif
