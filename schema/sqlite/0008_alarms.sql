-- Conversations whose platform has still to tell what a request of ours has made of them. There are few.
CREATE INDEX thread_asked ON thread (id) WHERE asked <> 0;
