-- The roles of the Dorset Care Record, and the four schemas of its database (DESIGN section 6).
--
-- Run it once in the suite's database, as a superuser; running it again changes nothing:
--     psql -v ON_ERROR_STOP=1 -f roles.sql "$SUPERUSER_URL"
-- then give each role its password (or a line for certificates in pg_hba.conf).
--
--   dcr_<schema>_owner   owns the schema and migrates it; no service runs as it
--   dcr_<schema>_app     what the service runs as: rights on data, never on definitions. Which tables, and
--                        which of SELECT, INSERT, UPDATE and DELETE, is in each service's migrations.
--                        audit's has SELECT and INSERT and nothing else: nobody edits the log.
--
-- Nobody else has any right here, and no role can reach another role's schema.

DO $$
DECLARE
  area text;
  kind text;
  role text;
  held text;
BEGIN
  FOREACH area IN ARRAY ARRAY['identity', 'record', 'optout', 'audit'] LOOP
    FOREACH kind IN ARRAY ARRAY['owner', 'app'] LOOP
      role := format('dcr_%s_%s', area, kind);
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role);
      END IF;
      -- Written only when it differs: roles belong to the whole server, and two runs at once would collide.
      IF NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
                     WHERE r.rolname = role AND s.setdatabase = 0 AND ('search_path=' || area) = ANY (s.setconfig)) THEN
        EXECUTE format('ALTER ROLE %I SET search_path = %I', role, area);
      END IF;
      EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    END LOOP;

    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', area, 'dcr_' || area || '_owner');
    SELECT pg_get_userbyid(nspowner) INTO held FROM pg_namespace WHERE nspname = area;
    IF held <> 'dcr_' || area || '_owner' THEN
      RAISE EXCEPTION 'schema % belongs to %, not to dcr_%_owner: this database is used for something else', area, held, area;
    END IF;
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', area);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', area, 'dcr_' || area || '_app');
    -- Functions are open to everybody unless told otherwise.
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', 'dcr_' || area || '_owner');
  END LOOP;

  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
END
$$;
