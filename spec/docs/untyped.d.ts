// What the README tells TypeScript users to write.
declare module 'faye';
