/** Commands other than running a lesson; a first word that is none of them names a lesson. */
export const commandNames = ['run', 'list', 'explain', 'course', 'up', 'zoo', 'matrix', 'matrix-worker', 'nat', 'decode', 'diagnose', 'daemon', 'topology', 'pfkey', 'doctor', 'clean', 'help'] as const;
