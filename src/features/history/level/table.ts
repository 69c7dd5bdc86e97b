import { crc32c } from './crc32c.ts';
import { unsnappy } from './snappy.ts';
import { Varints } from './varint.ts';

// A table is blocks, each followed by a byte for its compression and a checksum of both. One block lists where the blocks of
// entries are, another where that of the filter is. The end of the table says where these two are:
//   handle of the block for the filter | handle of the index | padding up to 40 bytes | MAGIC
// Format: google/leveldb, doc/table_format.md.
const FOOTER = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');

/** The byte for its compression, and the checksum. */
const TRAILER = 5;

/** Where a block is in its table. */
interface Handle {
  readonly at: number;
  readonly size: number;
}

/** Whether a table of LevelDB was written up to its end. */
export function isFinished(table: Buffer): boolean {
  return table.length >= FOOTER && table.subarray(-MAGIC.length).equals(MAGIC);
}

/** Throws when anything in a table of LevelDB has another checksum than was written with it. */
export function verifyTable(table: Buffer): void {
  const footer = new Varints(table.subarray(-FOOTER));
  const filters = nextHandle(footer);
  const index = nextHandle(footer);
  for (const list of [filters, index])
    for (const handle of handlesIn(uncompressed(verifiedBlock(table, list)))) verifiedBlock(table, handle);
}

function nextHandle(varints: Varints): Handle {
  return { at: varints.next(), size: varints.next() };
}

/** A block with the byte for its compression. */
function verifiedBlock(table: Buffer, { at, size }: Handle): Buffer {
  const end = at + size + 1;
  if (end + TRAILER - 1 > table.length) throw new Error(`its block at ${at} ends behind it`);
  const block = table.subarray(at, end);
  if (crc32c(block) !== unmasked(table.readUInt32LE(end)))
    throw new Error(`its block at ${at} has a wrong checksum`);
  return block;
}

// LevelDB does not write a checksum as it is, lest it be part of what another is made of.
function unmasked(sum: number): number {
  const turned = (sum - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

function uncompressed(block: Buffer): Buffer {
  const bytes = block.subarray(0, -1);
  return block.at(-1) === 0 ? bytes : unsnappy(bytes);
}

/** The handles in a block that lists blocks: each entry is three lengths, a key and a handle; a list of places comes behind. */
function* handlesIn(block: Buffer): Generator<Handle> {
  const places = block.readUInt32LE(block.length - 4);
  const varints = new Varints(block);
  while (varints.at < block.length - 4 * (places + 1)) {
    varints.next(); // How much of the key before it has in common with it.
    const key = varints.next();
    const size = varints.next();
    const begin = varints.at + key;
    yield nextHandle(new Varints(block.subarray(begin, begin + size)));
    varints.at = begin + size;
  }
}
