import { config } from 'zod';

// The page's content policy forbids code made from strings, which is how zod compiles schemas. It looks
// when a schema is made, so whatever makes any is imported after this.
config({ jitless: true });
