-- Seconds of sound that a model heard.
ALTER TABLE audit ADD COLUMN audio_seconds REAL;
