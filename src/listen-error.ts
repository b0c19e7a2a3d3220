// The system's error of a socket that cannot be listened on, as net.Server would emit it.
import { getSystemErrorName } from 'node:util'

export function listenError (errno: number, where: string, target: object = {}): Error {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`listen ${code}: ${where}`), { code, errno, syscall: 'listen', ...target })
}
