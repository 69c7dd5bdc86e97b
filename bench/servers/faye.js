import { createServer } from 'node:http';
import faye from 'faye';
import { serve } from './serve.js';

const httpServer = createServer();
new faye.NodeAdapter({ mount: '/bayeux' }).attach(httpServer);
serve(httpServer);
