ALTER TABLE `measurements` ADD `device` text;--> statement-breakpoint
ALTER TABLE `measurements` ADD `on_device` text;