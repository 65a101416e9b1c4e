import { argon2idOf } from '#directory/password';

/** Passwords at the lowest costs there are: nobody guesses at a test's, and tests make people by the thousand. */
export const quickPasswords = argon2idOf({ memoryKiB: 8, passes: 1 });
