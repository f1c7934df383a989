-- The last value of each sequence, in percent of what it may give or its column may hold.
WITH sequences AS (
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement > 0 AS up, s.seqmin, s.seqmax,
        CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
            ELSE 9223372036854775807 END AS room,
        has_sequence_privilege(c.oid, 'SELECT, USAGE') AS seen
    FROM pg_sequence AS s
    JOIN pg_class AS c ON c.oid = s.seqrelid AND c.relpersistence <> 't'
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE NOT s.seqcycle
),
used AS (
    SELECT name, up, seqmin::float8 AS least, seqmax::float8 AS most, room::float8,
        CASE WHEN seen THEN pg_sequence_last_value(oid) END::float8 AS last
    FROM sequences
)
(SELECT CASE WHEN up THEN 100 * (last - least + 1) / (least(most, room) - least + 1)
        ELSE 100 * (most - last + 1) / (most - greatest(least, -room - 1) + 1) END AS value,
    name, 0 AS hidden
FROM used WHERE last IS NOT NULL ORDER BY 1 DESC LIMIT 50)
UNION ALL
SELECT 0, '', count(*) FROM sequences WHERE NOT seen HAVING count(*) > 0
