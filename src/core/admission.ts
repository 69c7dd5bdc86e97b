import { countingKey } from '../lib/address.ts';
import { overLimit } from '../protocol/over-limit.ts';
import type { Conduit, SocketTally } from '../ports/conduit.ts';
import type { Refusals } from './refusals.ts';

/** The sessions and sockets of one address. */
interface Tally {
  /** One string object for all that are counted here, to save memory. */
  readonly address: string;
  sessions: number;
  sockets: number;
}

/** What counts one session: the tally of the socket that it was opened on, else one of its own. */
export type Seat = SocketTally;

/** The limits on sessions. */
export interface AdmissionOptions {
  readonly maxSessions: number;
  readonly maxSessionsPerAddress: number;
  readonly maxSessionsPerUser: number;
  readonly maxSessionsPerConnection: number;
  readonly maxConnectionsPerAddress: number;
  /** The option `trustProxy`. If it is off, the log may suggest it. */
  readonly trustProxy: unknown;
}

type LimitOption = Exclude<keyof AdmissionOptions, 'trustProxy'>;

/** Sockets allowed for each allowed session: a client that reconnects has two for a while. */
const SOCKETS_PER_SESSION = 2;

/**
 * Limits sessions and sockets: in total, of one address or user, and on one socket (HS-14, SEC-10). An HTTP
 * connection is not counted, since a proxy sends the requests of many clients through one.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #refusals: Refusals;
  readonly #byAddress = new Map<string, Tally>();
  #sessions = 0;
  #sockets = 0;

  constructor(options: AdmissionOptions, refusals: Refusals) {
    this.#options = options;
    this.#refusals = refusals;
  }

  /** Number of addresses with a session or a socket. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** In words, why no session may be opened by this conduit; undefined when one may. A refusal is logged. */
  refusalOf(conduit: Conduit): string | undefined {
    const full = this.#fullFor(conduit);
    return full && this.#refuse(full, conduit);
  }

  /** As `refusalOf`, for a user that has so many sessions. */
  refusalOfUser(sessions: number, conduit: Conduit): string | undefined {
    return sessions < this.#options.maxSessionsPerUser
      ? undefined
      : this.#refuse('maxSessionsPerUser', conduit);
  }

  enter(conduit: Conduit): Seat {
    const address = addressOf(conduit);
    this.#sessions += 1;
    if (address !== '') this.#tallyOf(address).sessions += 1;
    const seat = conduit.tally ?? { address, sessions: 0 };
    if (conduit.shape === 'socket') conduit.tally = seat;
    seat.sessions += 1;
    return seat;
  }

  /** Stops counting a session that ended. */
  leave(seat: Seat): void {
    this.#sessions -= 1;
    seat.sessions -= 1;
    const tally = this.#byAddress.get(seat.address);
    if (tally !== undefined) tally.sessions -= 1;
    this.#dropEmpty(seat.address, tally);
  }

  /** Counts a socket that was opened, if there is room for it; else says in words why there is none, and logs it. */
  open(socket: Conduit): string | undefined {
    const address = countingKey(socket.address);
    const full = this.#fullForSocket(address);
    if (full !== undefined) return this.#refuse(full, socket);
    this.#sockets += 1;
    const tally = address === '' ? undefined : this.#tallyOf(address);
    if (tally !== undefined) tally.sockets += 1;
    socket.tally = { address: tally?.address ?? '', sessions: 0 };
    return undefined;
  }

  /** Stops counting a socket that closed. */
  close(socket: Conduit): void {
    const address = addressOf(socket);
    this.#sockets -= 1;
    const tally = this.#byAddress.get(address);
    if (tally !== undefined) tally.sockets -= 1;
    this.#dropEmpty(address, tally);
  }

  #fullFor(conduit: Conduit): LimitOption | undefined {
    const { maxSessions, maxSessionsPerAddress, maxSessionsPerConnection } = this.#options;
    if (this.#sessions >= maxSessions) return 'maxSessions';
    if ((conduit.tally?.sessions ?? 0) >= maxSessionsPerConnection) return 'maxSessionsPerConnection';
    const here = this.#byAddress.get(addressOf(conduit))?.sessions ?? 0;
    return here >= maxSessionsPerAddress ? 'maxSessionsPerAddress' : undefined;
  }

  #fullForSocket(address: string): LimitOption | undefined {
    const { maxSessions, maxConnectionsPerAddress } = this.#options;
    if (this.#sockets >= SOCKETS_PER_SESSION * maxSessions) return 'maxSessions';
    const here = this.#byAddress.get(address)?.sockets ?? 0;
    return here >= maxConnectionsPerAddress ? 'maxConnectionsPerAddress' : undefined;
  }

  #tallyOf(address: string): Tally {
    let tally = this.#byAddress.get(address);
    if (tally === undefined) {
      tally = { address, sessions: 0, sockets: 0 };
      this.#byAddress.set(address, tally);
    }
    return tally;
  }

  #dropEmpty(address: string, tally: Tally | undefined): void {
    if (tally?.sessions === 0 && tally.sockets === 0) this.#byAddress.delete(address);
  }

  #refuse(option: LimitOption, conduit: Conduit): string {
    const why = overLimit(option, this.#options[option]);
    const hint = option.endsWith('PerAddress') ? this.#hintFor(conduit) : undefined;
    this.#refusals.note('session.refused', {
      option,
      limit: this.#options[option],
      address: conduit.address,
      why,
      ...(hint !== undefined && { hint }),
    });
    return why;
  }

  #hintFor({ request }: Conduit): string | undefined {
    if (this.#options.trustProxy || request.headers['x-forwarded-for'] === undefined) return undefined;
    return 'requests from this address carry X-Forwarded-For: if it is your proxy, set trustProxy';
  }
}

// A closed socket no longer knows its address.
function addressOf(conduit: Conduit): string {
  return conduit.tally?.address ?? countingKey(conduit.address);
}
