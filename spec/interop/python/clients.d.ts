export declare const folder: string;
export declare const version: string;
export declare const isReady: () => boolean;
export declare function prepare(): string | undefined;
