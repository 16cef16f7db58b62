"""What a merchandiser plans on: boards to weigh plans with, and what every night prepares of them."""
