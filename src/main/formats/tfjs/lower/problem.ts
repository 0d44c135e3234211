/** What one operator or layer of a source model needs and this program does not have; collected, so that all are named at once. */
export class Unsupported extends Error {}

/** What contradicts itself in one operator or layer of a source model: the file is damaged or made by hand. */
export class Malformed extends Error {}
