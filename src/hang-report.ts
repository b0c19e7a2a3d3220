// Where a hung worker leaves its diagnostic report, and where the primary looks for it.
import { tmpdir } from 'node:os'
import path from 'node:path'

/** In the folder of Node's own reports (`--report-directory`), else that of temporary files. */
export function hangReportPath (pid: number): string {
  const { directory } = process.report
  return path.join(directory === '' ? tmpdir() : directory, `fastify-clusterize-hang-${pid}.json`)
}
