-- Salts of the digests that tell visitors apart. Whoever needs a day's salt first draws it; the cron destroys it 48 hours
-- after the day began, so that digests of it can never be traced to an address again.
create table visitor_salts (
  day integer primary key, -- UTC, days since 1970
  salt blob not null check (length(salt) = 32)
) strict;
