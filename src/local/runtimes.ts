import { type BrokerRuntime, type RuntimeInput } from './broker-runtime.ts';
import { dockerRuntime } from './docker-runtime.ts';
import { jvmRuntime } from './jvm-runtime.ts';

/** The runtime that a cluster's state names. */
export function brokerRuntime(input: RuntimeInput): BrokerRuntime {
  switch (input.state.runtime) {
    case 'jvm':
      return jvmRuntime(input);
    case 'docker':
      return dockerRuntime(input);
  }
}
