// What the launcher beside it starts: the guard rails, as a policy pack for the Pulumi engine.
import { servePolicies } from './pack.ts';

servePolicies();
