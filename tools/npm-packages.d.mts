import type { StepResult } from './steps.mjs';

export interface LockFile {
  readonly packages?: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly optional?: boolean;
        readonly link?: boolean;
      }
    >
  >;
}

export declare function missingPackages(lock: LockFile, installed: LockFile): string[];
export declare function pathWithoutProject(path: string, root: string): string;
export declare function npmEnvironment(root: string): NodeJS.ProcessEnv;
export declare function packagesReady(root: string): boolean;
export declare function installPackages(root: string, signal: AbortSignal): Promise<StepResult<undefined>>;
