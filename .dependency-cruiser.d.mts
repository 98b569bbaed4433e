/** Room → rooms it may use. */
export const rooms: Readonly<Record<string, readonly string[]>>;
/** The same for the rooms inside `src/replication`. */
export const coreRooms: Readonly<Record<string, readonly string[]>>;
declare const configuration: object;
export default configuration;
