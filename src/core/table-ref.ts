/** A table by schema and name, unquoted. */
export interface TableRef {
  readonly schema: string;
  readonly name: string;
}
