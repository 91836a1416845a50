ALTER TABLE `latency_shapes` ADD `threads` integer;--> statement-breakpoint
ALTER TABLE `measurements` ADD `timing` text;--> statement-breakpoint
UPDATE `measurements` SET `effective` = 0 WHERE `effective` = 1;--> statement-breakpoint
UPDATE `measurements` SET `effective` = 1 WHERE `id` IN (
	SELECT `id` FROM (
		SELECT `id`, row_number() OVER (
			PARTITION BY `key`, `artifact`
			ORDER BY `status` = 'completed' DESC, coalesce(`noisy`, 0), coalesce(`width`, 0), `started_at` DESC, `digest` DESC
		) AS `place`
		FROM `measurements`
		LEFT JOIN (
			SELECT `measurement`, sum(`noisy`) AS `noisy`, avg(`speed_up_high` / `speed_up_low`) AS `width`
			FROM `latency_shapes` GROUP BY `measurement`
		) ON `measurement` = `measurements`.`id`
		WHERE NOT EXISTS (
			SELECT 1 FROM `corrections`
			WHERE `corrections`.`key` = `measurements`.`key` AND `corrections`.`run` = `measurements`.`run` AND `action` = 'withdraw'
		)
	) WHERE `place` = 1
);
