import { createServer } from 'node:http';
import cometd from 'cometd-nodejs-server';
import { serve } from './serve.js';

serve(createServer(cometd.createCometDServer().handle));
