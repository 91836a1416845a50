/** `npx drizzle-kit generate --name <what>` writes the next migration after drizzle/schema.ts has changed. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({ dialect: 'sqlite', schema: './drizzle/schema.ts', out: './drizzle/migrations' });
