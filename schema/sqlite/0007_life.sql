-- Open or closed, at both ends of a link. asked: what a request of ours is making of the conversation (a
-- state; 0: nothing), until its platform says the same; asked_at: when that was answered, 0 not yet. wanted:
-- what people made of it last at either end, and so what the other end is to become.
ALTER TABLE thread ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;
