import { start } from '../support/start.ts';
import { clientsSpecs } from './contracts/clients.ts';

clientsSpecs('one server', start);
