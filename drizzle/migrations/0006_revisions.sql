CREATE TABLE `__new_trials` (
	`id` integer PRIMARY KEY NOT NULL,
	`key` blob NOT NULL,
	`digest` blob NOT NULL,
	`effective` integer DEFAULT false NOT NULL,
	`run` text NOT NULL,
	`method` text NOT NULL,
	`revision` integer,
	`method_source` blob,
	`variant` text NOT NULL,
	`params` text NOT NULL,
	`model` text NOT NULL,
	`model_revision` blob NOT NULL,
	`dataset` text,
	`dataset_content_hash` blob,
	`seed` integer NOT NULL,
	`protocol` integer NOT NULL,
	`trained_on` text,
	`family` text NOT NULL,
	`access` text NOT NULL,
	`control` integer NOT NULL,
	`notes` text NOT NULL,
	`simulated` text,
	`machine` text NOT NULL,
	`started_at` text NOT NULL,
	`status` text NOT NULL,
	`artifact` integer,
	`reason` text,
	`wall_seconds` real,
	`cpu_seconds` real,
	`device_seconds` real,
	`peak_memory_bytes` integer,
	`tokens_seen` integer,
	`gradient_steps` integer,
	`energy_joules` real,
	FOREIGN KEY (`run`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`machine`) REFERENCES `machines`(`fingerprint`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`artifact`) REFERENCES `artifacts`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
INSERT INTO `__new_trials`("id", "key", "digest", "effective", "run", "method", "revision", "method_source", "variant", "params", "model", "model_revision", "dataset", "dataset_content_hash", "seed", "protocol", "trained_on", "family", "access", "control", "notes", "simulated", "machine", "started_at", "status", "artifact", "reason", "wall_seconds", "cpu_seconds", "device_seconds", "peak_memory_bytes", "tokens_seen", "gradient_steps", "energy_joules") SELECT "id", "key", "digest", "effective", "run", "method", NULL, "method_source", "variant", "params", "model", "model_revision", "dataset", "dataset_content_hash", "seed", "protocol", "trained_on", "family", "access", "control", "notes", "simulated", "machine", "started_at", "status", "artifact", "reason", "wall_seconds", "cpu_seconds", "device_seconds", "peak_memory_bytes", "tokens_seen", "gradient_steps", "energy_joules" FROM `trials`;--> statement-breakpoint
DROP TABLE `trials`;--> statement-breakpoint
ALTER TABLE `__new_trials` RENAME TO `trials`;--> statement-breakpoint
CREATE UNIQUE INDEX `trials_key_digest` ON `trials` (`key`,`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `trials_effective_key` ON `trials` (`key`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_done` ON `trials` (`protocol`,`key`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_board` ON `trials` (`model`,`protocol`,`method`,`variant`,`seed`,`started_at`,`revision`,`model_revision`,`trained_on`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_history` ON `trials` (`method`,`variant`,`model`,`started_at`);--> statement-breakpoint
CREATE INDEX `trials_failed` ON `trials` (`protocol`,`started_at`) WHERE effective = 1 and status <> 'completed';--> statement-breakpoint
CREATE INDEX `trials_run` ON `trials` (`run`,`status`);--> statement-breakpoint
ALTER TABLE `catalog_methods` ADD `revision` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `catalog_methods` DROP COLUMN `source_hash`;