-- Tokens of calls that a subscription pays for, in what calls add up to: budgets count them apart.
ALTER TABLE rollup ADD COLUMN subscription_tokens INTEGER NOT NULL DEFAULT 0;
