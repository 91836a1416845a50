CREATE TABLE `rollup_boards` (
	`id` text PRIMARY KEY NOT NULL,
	`ordinal` integer NOT NULL,
	`contest` text NOT NULL,
	`inputs` blob NOT NULL,
	`summary` text NOT NULL,
	`board` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rollup_comparisons` (
	`contest` text NOT NULL,
	`ordinal` integer NOT NULL,
	`slug` text NOT NULL,
	`comparisons` blob NOT NULL,
	PRIMARY KEY(`contest`, `ordinal`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rollup_comparisons_slug` ON `rollup_comparisons` (`contest`,`slug`);--> statement-breakpoint
CREATE TABLE `rollup_entries` (
	`board` text NOT NULL,
	`ordinal` integer NOT NULL,
	`slug` text NOT NULL,
	`method` text NOT NULL,
	`entry` text NOT NULL,
	PRIMARY KEY(`board`, `ordinal`),
	FOREIGN KEY (`board`) REFERENCES `rollup_boards`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `rollup_entries_method` ON `rollup_entries` (`method`,`board`,`ordinal`);--> statement-breakpoint
CREATE TABLE `rollup_histories` (
	`board` text NOT NULL,
	`slug` text NOT NULL,
	`history` text NOT NULL,
	PRIMARY KEY(`board`, `slug`),
	FOREIGN KEY (`board`) REFERENCES `rollup_boards`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `rollup_state` (
	`id` integer PRIMARY KEY NOT NULL,
	`watermark` text NOT NULL
);
