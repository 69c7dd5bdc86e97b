// First step of `npm run build`: files of an earlier build in `dist` would be packed with the new ones.
import { rmSync } from 'node:fs';

rmSync(new URL('../dist/', import.meta.url), { recursive: true, force: true });
