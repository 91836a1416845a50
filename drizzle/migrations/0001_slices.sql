ALTER TABLE `catalog_tasks` ADD `chance` real;--> statement-breakpoint
ALTER TABLE `catalog_tasks` ADD `slices` text;--> statement-breakpoint
ALTER TABLE `catalog_tasks` ADD `classes` text;--> statement-breakpoint
ALTER TABLE `evaluations` ADD `slices` text;