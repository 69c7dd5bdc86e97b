import { crc32c } from './crc32c.ts';
import { unsnappy } from './snappy.ts';
import { Varints } from './varint.ts';

// A table is a list of blocks, each followed by a byte for its compression and a checksum of both. The index block has the
// positions of the blocks of entries, another block that of the filter. The end of the table has the positions of these two:
//   handle of the block for the filter | handle of the index | padding up to 40 bytes | MAGIC
// Format: google/leveldb, doc/table_format.md.
const FOOTER = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');

/** Size of the byte for the compression and the checksum. */
const TRAILER = 5;

/** The position of a block in its table. */
interface Handle {
  readonly at: number;
  readonly size: number;
}

/** Whether a table of LevelDB was written completely. */
export function isFinished(table: Buffer): boolean {
  return table.length >= FOOTER && table.subarray(-MAGIC.length).equals(MAGIC);
}

/** Throws when a block of a LevelDB table does not match its checksum. */
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

/** A block with the byte for its compression, when its checksum is right. */
function verifiedBlock(table: Buffer, { at, size }: Handle): Buffer {
  const end = at + size + 1;
  if (end + TRAILER - 1 > table.length) throw new Error(`its block at ${at} goes past its end`);
  const block = table.subarray(at, end);
  if (crc32c(block) !== unmasked(table.readUInt32LE(end)))
    throw new Error(`its block at ${at} has a wrong checksum`);
  return block;
}

// LevelDB stores checksums in a masked form, since data that contains plain checksums is bad input for another checksum.
function unmasked(sum: number): number {
  const turned = (sum - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

function uncompressed(block: Buffer): Buffer {
  const bytes = block.subarray(0, -1);
  return block.at(-1) === 0 ? bytes : unsnappy(bytes);
}

/** The handles in a block that lists blocks. An entry is three lengths, a key and a handle; a list of positions follows. */
function* handlesIn(block: Buffer): Generator<Handle> {
  const places = block.readUInt32LE(block.length - 4);
  const varints = new Varints(block);
  while (varints.at < block.length - 4 * (places + 1)) {
    varints.next(); // Length of the prefix that the key shares with the one before.
    const key = varints.next();
    const size = varints.next();
    const begin = varints.at + key;
    yield nextHandle(new Varints(block.subarray(begin, begin + size)));
    varints.at = begin + size;
  }
}
