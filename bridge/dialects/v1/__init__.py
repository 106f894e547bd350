"""What dialects of Beckn 1.1.0 share: one shape of requests, whose words stand in mappings/."""
