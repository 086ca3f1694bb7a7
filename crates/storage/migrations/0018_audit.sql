-- Who did what: what changes accounts, the queue or other people's videos. Names stand here as they were,
-- since accounts and videos may be gone when somebody looks.
CREATE TABLE audit (
    id {{ID}},
    at BIGINT NOT NULL,
    actor_id BIGINT,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
);
