-- The deliveries whose events a batch has, counts as duplicates or as rejected: one that is sent again counts none of them again.
alter table experiment_batches add column deliveries blob not null default x''; -- see src/recording/batch.rs
