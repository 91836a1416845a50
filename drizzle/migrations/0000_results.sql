CREATE TABLE `artifacts` (
	`id` integer PRIMARY KEY NOT NULL,
	`sha256` blob NOT NULL,
	`digest` blob NOT NULL,
	`file_bytes` integer NOT NULL,
	`file_bytes_without_embedding` integer NOT NULL,
	`zstd_bytes` integer NOT NULL,
	`zstd_bytes_without_embedding` integer NOT NULL,
	`parameters` integer NOT NULL,
	`parameters_without_embedding` integer NOT NULL,
	`non_zero_parameters` integer NOT NULL,
	`non_zero_parameters_without_embedding` integer NOT NULL,
	`operators` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `artifacts_sha256_digest` ON `artifacts` (`sha256`,`digest`);--> statement-breakpoint
CREATE TABLE `catalog_datasets` (
	`id` text PRIMARY KEY NOT NULL,
	`registered` integer NOT NULL,
	`title` text NOT NULL,
	`version` text NOT NULL,
	`licence` text NOT NULL,
	`citation` text NOT NULL,
	`content_hash` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `catalog_methods` (
	`id` text PRIMARY KEY NOT NULL,
	`registered` integer NOT NULL,
	`family` text NOT NULL,
	`access` text NOT NULL,
	`description` text NOT NULL,
	`paper` text NOT NULL,
	`control` integer NOT NULL,
	`variants` text NOT NULL,
	`source_file` text NOT NULL,
	`source_hash` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `catalog_models` (
	`id` text PRIMARY KEY NOT NULL,
	`registered` integer NOT NULL,
	`title` text NOT NULL,
	`architecture` text NOT NULL,
	`licence` text NOT NULL,
	`citation` text NOT NULL,
	`trained_on` text NOT NULL,
	`revision` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `catalog_tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`registered` integer NOT NULL,
	`title` text NOT NULL,
	`dataset` text NOT NULL,
	`metric` text NOT NULL,
	`higher_is_better` integer NOT NULL,
	`description` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `corrections` (
	`key` blob NOT NULL,
	`run` text NOT NULL,
	`action` text NOT NULL,
	`reason` text NOT NULL,
	`date` text NOT NULL,
	PRIMARY KEY(`key`, `run`, `action`, `date`, `reason`)
);
--> statement-breakpoint
CREATE TABLE `evaluation_items` (
	`evaluation` integer PRIMARY KEY NOT NULL,
	`columns` blob NOT NULL,
	FOREIGN KEY (`evaluation`) REFERENCES `evaluations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `evaluations` (
	`id` integer PRIMARY KEY NOT NULL,
	`key` blob NOT NULL,
	`digest` blob NOT NULL,
	`effective` integer DEFAULT false NOT NULL,
	`run` text NOT NULL,
	`trial` blob NOT NULL,
	`artifact` blob NOT NULL,
	`task` text NOT NULL,
	`dataset` text NOT NULL,
	`dataset_content_hash` blob NOT NULL,
	`protocol` integer NOT NULL,
	`in_sample` integer NOT NULL,
	`session_options` text NOT NULL,
	`machine` text NOT NULL,
	`started_at` text NOT NULL,
	`wall_seconds` real NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`metric` text,
	`higher_is_better` integer,
	`value` real,
	`low` real,
	`high` real,
	`dense` real,
	`item_count` integer,
	`token_count` integer,
	`delta_log_perplexity_value` real,
	`delta_log_perplexity_low` real,
	`delta_log_perplexity_high` real,
	`kl_divergence_value` real,
	`kl_divergence_low` real,
	`kl_divergence_high` real,
	`same_top_value` real,
	`same_top_low` real,
	`same_top_high` real,
	`correct_to_incorrect_value` real,
	`correct_to_incorrect_low` real,
	`correct_to_incorrect_high` real,
	`incorrect_to_correct_value` real,
	`incorrect_to_correct_low` real,
	`incorrect_to_correct_high` real,
	FOREIGN KEY (`run`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`machine`) REFERENCES `machines`(`fingerprint`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `evaluations_key_digest` ON `evaluations` (`key`,`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `evaluations_effective_key` ON `evaluations` (`key`,`artifact`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `evaluations_trial` ON `evaluations` (`trial`,`artifact`,`task`);--> statement-breakpoint
CREATE INDEX `evaluations_failed` ON `evaluations` (`protocol`,`started_at`) WHERE effective = 1 and status <> 'completed';--> statement-breakpoint
CREATE INDEX `evaluations_run` ON `evaluations` (`run`,`status`);--> statement-breakpoint
CREATE TABLE `latency_shapes` (
	`measurement` integer NOT NULL,
	`ordinal` integer NOT NULL,
	`shape` text NOT NULL,
	`batch` integer NOT NULL,
	`sequence` integer NOT NULL,
	`p50_ms` real NOT NULL,
	`p95_ms` real NOT NULL,
	`dense_p50_ms` real NOT NULL,
	`speed_up_value` real NOT NULL,
	`speed_up_low` real NOT NULL,
	`speed_up_high` real NOT NULL,
	`coefficient_of_variation` real NOT NULL,
	`noisy` integer NOT NULL,
	`samples` blob NOT NULL,
	PRIMARY KEY(`measurement`, `ordinal`),
	FOREIGN KEY (`measurement`) REFERENCES `measurements`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `machines` (
	`fingerprint` text PRIMARY KEY NOT NULL,
	`cpu_model` text NOT NULL,
	`cores` real NOT NULL,
	`memory_bytes` real NOT NULL,
	`instruction_sets` text NOT NULL,
	`operating_system` text NOT NULL,
	`architecture` text NOT NULL,
	`node` text NOT NULL,
	`onnx_runtime` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `measurements` (
	`id` integer PRIMARY KEY NOT NULL,
	`key` blob NOT NULL,
	`digest` blob NOT NULL,
	`effective` integer DEFAULT false NOT NULL,
	`run` text NOT NULL,
	`trial` blob NOT NULL,
	`artifact` blob NOT NULL,
	`provider` text NOT NULL,
	`machine` text NOT NULL,
	`runner_fingerprint` text NOT NULL,
	`protocol` integer NOT NULL,
	`threads` integer NOT NULL,
	`session_options` text NOT NULL,
	`started_at` text NOT NULL,
	`wall_seconds` real NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`resident_memory_bytes` integer,
	`dense_resident_memory_bytes` integer,
	`placement` text,
	FOREIGN KEY (`run`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`machine`) REFERENCES `machines`(`fingerprint`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `measurements_key_digest` ON `measurements` (`key`,`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `measurements_effective_key` ON `measurements` (`key`,`artifact`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `measurements_trial` ON `measurements` (`trial`,`artifact`,`runner_fingerprint`);--> statement-breakpoint
CREATE INDEX `measurements_failed` ON `measurements` (`protocol`,`started_at`) WHERE effective = 1 and status <> 'completed';--> statement-breakpoint
CREATE INDEX `measurements_run` ON `measurements` (`run`,`status`);--> statement-breakpoint
CREATE TABLE `runs` (
	`id` text PRIMARY KEY NOT NULL,
	`suite` text NOT NULL,
	`protocol` integer NOT NULL,
	`commit` text,
	`machine` text NOT NULL,
	`started_at` text NOT NULL,
	`finished_at` text,
	`wall_seconds` real,
	`overhead_seconds` real,
	FOREIGN KEY (`machine`) REFERENCES `machines`(`fingerprint`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `trials` (
	`id` integer PRIMARY KEY NOT NULL,
	`key` blob NOT NULL,
	`digest` blob NOT NULL,
	`effective` integer DEFAULT false NOT NULL,
	`run` text NOT NULL,
	`method` text NOT NULL,
	`method_source` blob NOT NULL,
	`variant` text NOT NULL,
	`params` text NOT NULL,
	`model` text NOT NULL,
	`model_revision` blob NOT NULL,
	`dataset` text,
	`dataset_content_hash` blob,
	`seed` integer NOT NULL,
	`protocol` integer NOT NULL,
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
CREATE UNIQUE INDEX `trials_key_digest` ON `trials` (`key`,`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `trials_effective_key` ON `trials` (`key`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_done` ON `trials` (`protocol`,`key`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_board` ON `trials` (`model`,`protocol`,`method`,`variant`,`seed`,`started_at`,`method_source`,`model_revision`) WHERE effective = 1;--> statement-breakpoint
CREATE INDEX `trials_history` ON `trials` (`method`,`variant`,`model`,`started_at`);--> statement-breakpoint
CREATE INDEX `trials_failed` ON `trials` (`protocol`,`started_at`) WHERE effective = 1 and status <> 'completed';--> statement-breakpoint
CREATE INDEX `trials_run` ON `trials` (`run`,`status`);