/** Room → rooms it may use. */
export const rooms: Readonly<Record<string, readonly string[]>>;
declare const configuration: object;
export default configuration;
