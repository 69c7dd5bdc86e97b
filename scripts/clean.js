// `npm run build` starts here: what an earlier build left in `dist` would be packed as if it were of this one.
import { rmSync } from 'node:fs';

rmSync(new URL('../dist/', import.meta.url), { recursive: true, force: true });
