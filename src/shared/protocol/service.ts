import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from './contract';

/**
 * What stands behind the protocol: the engine implements it, the server speaks for it.
 *
 * A source is pulled, never pushes: `changed` says that there is something, and the server calls
 * `pull` when the client has credit. So a slow client costs one pending flag, a lossless source
 * answers with all that came since its last pull, and a latest-wins source with the newest state.
 */
export interface Service {
  request<N extends RequestName>(
    name: N,
    input: RequestInput<N>,
    signal: AbortSignal,
  ): Promise<RequestOutput<N>>;
  subscribe<N extends SubscriptionName>(
    name: N,
    input: SubscriptionInput<N>,
    changed: () => void,
  ): Source<SubscriptionEvent<N>>;
}

export interface Source<Event> {
  /** What the client has not seen, or undefined when there is nothing new. */
  pull(): Event | undefined;
  close(): void;
}
