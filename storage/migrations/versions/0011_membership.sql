-- Why an account's last look at the destination found that it may not invite; NULL: it may, or was not looked at.
ALTER TABLE campaign_account ADD COLUMN refused TEXT;
