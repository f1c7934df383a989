-- Pages of tables and B-trees beyond what their rows would need if they were written anew: an estimate from the
-- mean widths that ANALYZE has found. Small ones are left aside, as check_postgres does (10 and 15 pages).
WITH columns AS (
    SELECT n.oid AS namespace, s.tablename, s.attname, s.null_frac, (1 - s.null_frac) * s.avg_width AS width
    FROM pg_stats AS s JOIN pg_namespace AS n ON n.nspname = s.schemaname
    WHERE NOT s.inherited AND s.schemaname NOT IN ('pg_catalog', 'information_schema')
),
block AS (SELECT current_setting('block_size')::float8 AS size),
heaps AS (
    SELECT c.oid, c.relnamespace, c.relname, c.relpages, c.reltuples,
        coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
            WHERE option_name = 'fillfactor'), 100) / 100 AS fill,
        -- A line pointer, the header with its bitmap of nulls, the data; both in units of 8 bytes.
        4 + ceil((23 + CASE WHEN max(a.null_frac) > 0 THEN (7 + count(*)) / 8 ELSE 0 END) / 8.0) * 8
            + ceil(sum(a.width) / 8.0) * 8 AS width
    FROM pg_class AS c JOIN columns AS a ON a.namespace = c.relnamespace AND a.tablename = c.relname
    WHERE c.relkind IN ('r', 'm') AND c.relpages > 10 AND c.reltuples > 0
    GROUP BY c.oid, c.relnamespace, c.relname, c.relpages, c.reltuples, c.reloptions
),
trees AS (
    SELECT c.oid, c.relnamespace, c.relname, c.relpages, c.reltuples,
        coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
            WHERE option_name = 'fillfactor'), 90) / 100 AS fill,
        4 + 8 + ceil(sum(a.width) / 8.0) * 8 AS width
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
    JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_attribute AS f ON f.attrelid = i.indrelid AND f.attnum = ANY (i.indkey)
    JOIN columns AS a ON a.namespace = t.relnamespace AND a.tablename = t.relname AND a.attname = f.attname
    WHERE c.relpages > 15 AND c.reltuples > 0 AND i.indexprs IS NULL
    GROUP BY c.oid, c.relnamespace, c.relname, c.relpages, c.reltuples, c.reloptions, i.indnatts
    HAVING count(*) = i.indnatts
),
wasted AS (
    SELECT relnamespace, relname, block.size * greatest(0, relpages - ceil(
        reltuples / greatest(1, floor((block.size - 24) * fill / width)))) AS bytes
    FROM heaps, block
    UNION ALL
    SELECT relnamespace, relname, block.size * greatest(0, relpages - 1 - ceil(
        reltuples / greatest(1, floor((block.size - 40) * fill / width))))
    FROM trees, block
)
(SELECT w.bytes AS value, format('%I.%I', n.nspname, w.relname) AS name, 0 AS hidden
FROM wasted AS w JOIN pg_namespace AS n ON n.oid = w.relnamespace
WHERE w.bytes > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1 DESC LIMIT 50)
UNION ALL
SELECT 0, '', count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpages > 10 AND n.nspname NOT LIKE 'pg\_%'
    AND n.nspname <> 'information_schema' AND NOT has_table_privilege(c.oid, 'SELECT')
HAVING count(*) > 0
