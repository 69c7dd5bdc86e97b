import type { Sections } from '../run.ts';
import { batches } from './batches.ts';
import { binding } from './binding.ts';
import { callbackPolling } from './callback-polling.ts';
import { channels } from './channels.ts';
import { connect } from './connect.ts';
import { cookies } from './cookies.ts';
import { delivery } from './delivery.ts';
import { disconnect } from './disconnect.ts';
import { duplicates } from './duplicates.ts';
import { errors } from './errors.ts';
import { eventSource } from './event-source.ts';
import { handshake } from './handshake.ts';
import { holding } from './holding.ts';
import { hostile } from './hostile.ts';
import { http } from './http.ts';
import { httpStatus } from './http-status.ts';
import { longPolling } from './long-polling.ts';
import { messages } from './messages.ts';
import { negotiation } from './negotiation.ts';
import { origins } from './origins.ts';
import { publish } from './publish.ts';
import { subscribe } from './subscribe.ts';
import { unsubscribe } from './unsubscribe.ts';
import { webSocket } from './web-socket.ts';

/** Every check, in the order of the protocol. */
export const sections: Sections = {
  messages,
  batches,
  channels,
  errors,
  handshake,
  negotiation,
  connect,
  'held connects': holding,
  'duplicate connects': duplicates,
  disconnect,
  subscribe,
  unsubscribe,
  publish,
  delivery,
  http,
  'http status': httpStatus,
  'long-polling': longPolling,
  'callback-polling': callbackPolling,
  eventsource: eventSource,
  websocket: webSocket,
  'sessions on sockets': binding,
  origins,
  'cookies and tabs': cookies,
  'hostile input': hostile,
};
