import { parsed } from '../lib/parsed.ts';
import { isObject } from '../protocol/message.ts';

/** The format that this version writes, and the only one that it reads. */
const FORMAT = 1;

/** One text of a pipe. The ends of a pipe have an id each: `own` is that of who sends the text. */
export type PipeText =
  /** The node begins a pipe. `key`: `NodeKeys.open`. */
  | { readonly is: 'open'; readonly own: string; readonly key: string }
  /** `box` is sealed under this number: 1, 2, and so on. The first text of an end has its key. */
  | {
      readonly is: 'data';
      readonly own: string;
      readonly other: string;
      readonly number: number;
      readonly box: string;
      readonly key?: string;
    }
  /** The node has ended the pipe with this end. */
  | { readonly is: 'close'; readonly other: string; readonly isLeaving: boolean };

export function encodePipeText(from: string, text: PipeText): string {
  return JSON.stringify({ v: FORMAT, from, pipe: text });
}

/** Reads what another node told. Undefined for what is no text of a pipe, or of another format. */
export function decodePipeText(told: string): { readonly from: string; readonly text: PipeText } | undefined {
  const read = parsed(told);
  if (!isObject(read) || read.v !== FORMAT || typeof read.from !== 'string') return undefined;
  const text = pipeTextOf(read.pipe);
  return text && { from: read.from, text };
}

function pipeTextOf(value: unknown): PipeText | undefined {
  if (!isObject(value)) return undefined;
  const { is, own, other, key, number, box, isLeaving } = value;
  if (is === 'close' && typeof other === 'string' && typeof isLeaving === 'boolean')
    return { is, other, isLeaving };
  if (typeof own !== 'string') return undefined;
  if (is === 'open' && typeof key === 'string') return { is, own, key };
  if (is !== 'data' || typeof other !== 'string' || typeof number !== 'number' || typeof box !== 'string')
    return undefined;
  return { is, own, other, number, box, ...(typeof key === 'string' && { key }) };
}
