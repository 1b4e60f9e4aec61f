/** A table by its full name; both parts as the server spells them, unquoted. */
export interface TableRef {
  readonly schema: string;
  readonly name: string;
}
