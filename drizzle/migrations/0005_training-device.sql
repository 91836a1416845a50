DROP INDEX `trials_board`;--> statement-breakpoint
ALTER TABLE `trials` ADD `trained_on` text;--> statement-breakpoint
CREATE INDEX `trials_board` ON `trials` (`model`,`protocol`,`method`,`variant`,`seed`,`started_at`,`method_source`,`model_revision`,`trained_on`) WHERE effective = 1;