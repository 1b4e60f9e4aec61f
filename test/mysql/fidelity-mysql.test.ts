// What a migration makes of a table is what the server's own ALTER would have made of it, value for value,
// live changes included; and where the server would fail, ours fails before the swap and names the row. See
// fidelity-run.ts.
import { testFidelity } from './fidelity-matrix.ts';

testFidelity('mysql');
