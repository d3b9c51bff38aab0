-- What to match of a part is told in both languages, as its name is.
UPDATE ticket SET parts = (
    SELECT coalesce(jsonb_agg(
        CASE WHEN jsonb_typeof(part -> 'spec') = 'string'
            THEN jsonb_set(part, '{spec}', jsonb_build_object('zh', part -> 'spec', 'en', part -> 'spec'))
            ELSE part END
        ORDER BY number), '[]')
    FROM jsonb_array_elements(parts) WITH ORDINALITY AS listed (part, number)
)
WHERE jsonb_path_exists(parts, '$[*].spec ? (@.type() == "string")');
