// The options of the admin server.

/** Where an operator looks at the cluster and steers it. The Unix socket is always there, a TCP address only with `port`. */
export interface AdminOptions {
  /**
   * Where the Unix socket is (on Windows: a named pipe). Only the user who started the cluster may connect, without a token.
   * @default `fastify-clusterize/<name>.sock` in `XDG_RUNTIME_DIR`, else in a folder of that user below the one for temporary files
   */
  path?: string
  /** Listen on TCP too, for browsers, probes and Prometheus; 0 takes a free port. Without it there is the Unix socket alone. */
  port?: number
  /**
   * The address for `port`.
   * @default '127.0.0.1'
   */
  host?: string
  /**
   * What must come as `Authorization: Bearer <token>` with whatever changes the cluster by TCP; without one TCP only reads.
   * @default the environment variable `FASTIFY_CLUSTERIZE_TOKEN`
   */
  token?: string
  /**
   * Whether reading by TCP needs the token too. `/livez` and `/readyz` never do.
   * @default true where `host` is beyond loopback
   */
  guardReads?: boolean
  /**
   * Names besides IP addresses, `localhost` and `host` by which TCP clients may ask (the `Host` header).
   * @default []
   */
  hosts?: readonly string[]
  /**
   * `/readyz` answers 200 while at least so many workers are ready.
   * @default 1
   */
  minReady?: number
}

export interface AdminTcp {
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly guardReads: boolean
  readonly hosts: readonly string[]
}

/** The same with every default in place. */
export interface ResolvedAdmin {
  /** The cluster's. */
  readonly name: string
  /** Undefined: the usual place, by the cluster's name. */
  readonly path: string | undefined
  readonly tcp: AdminTcp | undefined
  readonly minReady: number
}
